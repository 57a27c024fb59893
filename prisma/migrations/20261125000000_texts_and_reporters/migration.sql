-- Texts to and from subscribers: parts, submissions and their receipts, errands, what reporters are owed, relations.
ALTER TABLE "intent" ADD COLUMN     "accuracy_m" DOUBLE PRECISION,
ADD COLUMN     "candidate_codes" TEXT[],
ADD COLUMN     "component_id" TEXT,
ADD COLUMN     "text" TEXT;
UPDATE "intent" SET "component_id" = "data" #>> '{component,id}', "text" = "data" ->> 'text',
    "accuracy_m" = ("data" #>> '{location,accuracyM}')::double precision;

ALTER TABLE "notice" ADD COLUMN     "audience" TEXT NOT NULL DEFAULT 'device',
ADD COLUMN     "case_number" TEXT,
ADD COLUMN     "group_id" UUID,
ADD COLUMN     "intent_id" UUID,
ADD COLUMN     "leg" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "not_before" TIMESTAMPTZ(3),
ADD COLUMN     "routes" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "template" TEXT,
ADD COLUMN     "text" TEXT,
ADD COLUMN     "urgent" BOOLEAN NOT NULL DEFAULT false;

-- CreateTable
CREATE TABLE "submission" (
    "notice_id" UUID NOT NULL,
    "leg" INTEGER NOT NULL,
    "part" INTEGER NOT NULL,
    "parts" INTEGER NOT NULL,
    "account" TEXT NOT NULL,
    "addressee" TEXT NOT NULL,
    "message_id" TEXT,
    "state" TEXT NOT NULL,
    "submitted_at" TIMESTAMPTZ(3) NOT NULL,
    "settled_at" TIMESTAMPTZ(3),
    "error" TEXT,

    CONSTRAINT "submission_pkey" PRIMARY KEY ("notice_id","leg","part")
);

-- CreateTable
CREATE TABLE "waiting_receipt" (
    "id" BIGSERIAL NOT NULL,
    "account" TEXT NOT NULL,
    "message_ids" TEXT[],
    "subject" TEXT NOT NULL,
    "state" TEXT,
    "error" TEXT,
    "reference" INTEGER,
    "message_id" UUID NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "waiting_receipt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "message_part" (
    "group_key" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "total" INTEGER NOT NULL,
    "message_id" UUID NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "adapter" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "recipient" TEXT,
    "port" INTEGER,
    "text" TEXT,
    "content" BYTEA,

    CONSTRAINT "message_part_pkey" PRIMARY KEY ("group_key","number")
);

-- CreateTable
CREATE TABLE "errand" (
    "id" UUID NOT NULL,
    "adapter" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "content" BYTEA NOT NULL,
    "message_id" UUID NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "claimed_until" TIMESTAMPTZ(3),
    "state" TEXT NOT NULL DEFAULT 'pending',
    "last_error" TEXT,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "errand_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "correspondence" (
    "intent_id" UUID NOT NULL,
    "query_number" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "adapter" TEXT NOT NULL,
    "recipient" TEXT,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "case_number" TEXT,
    "stage" TEXT,
    "stage_text" TEXT,
    "stage_at" TIMESTAMPTZ(3),
    "answered_at" TIMESTAMPTZ(3),
    "told_at" TIMESTAMPTZ(3),
    "closed_at" TIMESTAMPTZ(3),
    "closed_why" TEXT,

    CONSTRAINT "correspondence_pkey" PRIMARY KEY ("intent_id")
);

-- CreateTable
CREATE TABLE "relation" (
    "intent_id" UUID NOT NULL,
    "other_id" UUID NOT NULL,
    "score" DOUBLE PRECISION NOT NULL,
    "because" TEXT NOT NULL,
    "made_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "undone_at" TIMESTAMPTZ(3),

    CONSTRAINT "relation_pkey" PRIMARY KEY ("intent_id","other_id")
);

-- CreateIndex
CREATE INDEX "submission_account_message_id_idx" ON "submission"("account", "message_id");

-- CreateIndex
CREATE INDEX "submission_account_addressee_submitted_at_idx" ON "submission"("account", "addressee", "submitted_at");

-- CreateIndex
CREATE INDEX "waiting_receipt_received_at_idx" ON "waiting_receipt"("received_at");

-- CreateIndex
CREATE INDEX "message_part_received_at_idx" ON "message_part"("received_at");

-- CreateIndex
CREATE INDEX "errand_state_due_at_idx" ON "errand"("state", "due_at");

-- CreateIndex
CREATE UNIQUE INDEX "correspondence_query_number_key" ON "correspondence"("query_number");

-- CreateIndex
CREATE INDEX "correspondence_subject_received_at_idx" ON "correspondence"("subject", "received_at");

-- CreateIndex
CREATE INDEX "correspondence_case_number_idx" ON "correspondence"("case_number");

-- CreateIndex
CREATE INDEX "relation_other_id_idx" ON "relation"("other_id");

-- CreateIndex
CREATE INDEX "intent_reporter_received_at_idx" ON "intent"("reporter", "received_at");

-- CreateIndex
CREATE INDEX "notice_intent_id_idx" ON "notice"("intent_id");

-- CreateIndex
CREATE INDEX "notice_group_id_idx" ON "notice"("group_id");

-- AddForeignKey
ALTER TABLE "submission" ADD CONSTRAINT "submission_notice_id_fkey" FOREIGN KEY ("notice_id") REFERENCES "notice"("id") ON DELETE CASCADE ON UPDATE CASCADE;
