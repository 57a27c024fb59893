-- Alarms of cameras and sensors as incidents with a timeline.
CREATE TABLE "incident" (
    "id" UUID NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "subject" TEXT NOT NULL,
    "of" TEXT NOT NULL,
    "adapter" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "part" TEXT,
    "category_scheme" TEXT,
    "category_kind" TEXT,
    "category_code" TEXT,
    "urgency" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL,
    "opened_origin" TEXT NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "cleared_at" TIMESTAMPTZ(3),
    "cleared_why" TEXT,
    "signals" INTEGER NOT NULL,
    "flags" TEXT[],
    "value" DOUBLE PRECISION,
    "unit" TEXT,
    "latitude" DOUBLE PRECISION,
    "longitude" DOUBLE PRECISION,
    "grid" TEXT,
    "district" TEXT,
    "case_at" TIMESTAMPTZ(3),
    "intent_id" UUID,
    "merged_into" UUID,
    "evidence" UUID[],
    "attachments" JSONB NOT NULL,
    "due_at" TIMESTAMPTZ(3),

    CONSTRAINT "incident_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "incident_entry" (
    "incident_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "what" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "event" TEXT NOT NULL,
    "phase" TEXT,
    "signals" INTEGER NOT NULL,
    "detail" JSONB NOT NULL,
    "attachments" JSONB NOT NULL,
    "message_id" UUID,

    CONSTRAINT "incident_entry_pkey" PRIMARY KEY ("incident_id","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "incident_seq_key" ON "incident"("seq");

-- CreateIndex
CREATE INDEX "incident_subject_received_at_idx" ON "incident"("subject", "received_at");

-- CreateIndex
CREATE INDEX "incident_category_code_district_case_at_idx" ON "incident"("category_code", "district", "case_at");

-- What is over is many times what is not; these hold only what somebody still waits for.
CREATE INDEX "incident_due" ON "incident" ("due_at") WHERE "due_at" IS NOT NULL;
CREATE INDEX "incident_open" ON "incident" ("seq") WHERE "state" = 'open';
CREATE INDEX "incident_merged" ON "incident" ("merged_into") WHERE "merged_into" IS NOT NULL;

-- AddForeignKey
ALTER TABLE "incident_entry" ADD CONSTRAINT "incident_entry_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "incident"("id") ON DELETE CASCADE ON UPDATE CASCADE;
