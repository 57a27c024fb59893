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
ADD COLUMN     "review_at" TIMESTAMPTZ(3),
ADD COLUMN     "routes" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "tells" TEXT,
ADD COLUMN     "template" TEXT,
ADD COLUMN     "text" TEXT,
ADD COLUMN     "urgent" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "notice_state" ADD COLUMN     "leg" INTEGER NOT NULL DEFAULT 0;

-- A notice changes its state four times on its way; these indexes hold only what still waits for somebody.
DROP INDEX "notice_adapter_addressee_state_idx";
DROP INDEX "notice_state_expires_at_idx";
CREATE INDEX "notice_waiting" ON "notice" ("adapter", "addressee", "created_at") WHERE "state" IN ('queued', 'published');
CREATE INDEX "notice_due" ON "notice" ("adapter", "urgent" DESC, COALESCE("not_before", "created_at"), "id") WHERE "text" IS NOT NULL AND "state" IN ('queued', 'sending');
CREATE INDEX "notice_expiring" ON "notice" ("expires_at") WHERE "state" IN ('queued', 'published', 'sending');
CREATE INDEX "notice_review" ON "notice" ("review_at") WHERE "review_at" IS NOT NULL;
CREATE INDEX "notice_operator" ON "notice" ("state", "id") WHERE "state" IN ('in-doubt', 'listed');
CREATE INDEX "notice_of_intent" ON "notice" ("intent_id") WHERE "intent_id" IS NOT NULL;
CREATE INDEX "notice_of_group" ON "notice" ("group_id") WHERE "group_id" IS NOT NULL;

-- CreateTable
CREATE TABLE "submission" (
    "notice_id" UUID NOT NULL,
    "leg" INTEGER NOT NULL,
    "part" INTEGER NOT NULL,
    "parts" INTEGER NOT NULL,
    "account" TEXT NOT NULL,
    "addressee" TEXT NOT NULL,
    "message_id" TEXT,
    "reference" INTEGER,
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

CREATE INDEX "submission_message_id" ON "submission" ("account", "message_id") WHERE "message_id" IS NOT NULL;
CREATE INDEX "submission_sending" ON "submission" ("submitted_at") WHERE "state" = 'sending';

-- CreateIndex
CREATE INDEX "submission_addressee_submitted_at_idx" ON "submission"("addressee", "submitted_at");

-- CreateIndex
CREATE INDEX "waiting_receipt_message_ids_idx" ON "waiting_receipt" USING GIN ("message_ids");

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

-- Who has not been told the core's last word.
CREATE INDEX "correspondence_open" ON "correspondence" ("received_at", "intent_id") WHERE "closed_at" IS NULL AND ("told_at" IS NULL OR "told_at" < "stage_at");

-- CreateIndex
CREATE INDEX "correspondence_case_number_idx" ON "correspondence"("case_number");

-- CreateIndex
CREATE INDEX "relation_other_id_idx" ON "relation"("other_id");

-- CreateIndex
CREATE INDEX "intent_reporter_received_at_idx" ON "intent"("reporter", "received_at");

-- AddForeignKey
ALTER TABLE "submission" ADD CONSTRAINT "submission_notice_id_fkey" FOREIGN KEY ("notice_id") REFERENCES "notice"("id") ON DELETE CASCADE ON UPDATE CASCADE;
