-- Calls: what is said of their legs, calls as settled, and the forms that seats fill in.
CREATE TABLE "call_leg" (
    "exchange" TEXT NOT NULL,
    "leg" TEXT NOT NULL,
    "call" TEXT NOT NULL,
    "call_rank" INTEGER NOT NULL,
    "seat" TEXT,
    "facts" JSONB NOT NULL,
    "heard_live_at" TIMESTAMPTZ(3),
    "heard_record_at" TIMESTAMPTZ(3),
    "last_heard_at" TIMESTAMPTZ(3) NOT NULL,
    "adapter" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "evidence" UUID[],
    "due_at" TIMESTAMPTZ(3),
    "version" BIGINT NOT NULL DEFAULT 1,

    CONSTRAINT "call_leg_pkey" PRIMARY KEY ("exchange","leg")
);

-- CreateTable
CREATE TABLE "call" (
    "exchange" TEXT NOT NULL,
    "call" TEXT NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "revision" INTEGER NOT NULL,
    "caller" TEXT,
    "called" TEXT,
    "district" TEXT,
    "seat" TEXT,
    "ending" TEXT NOT NULL,
    "heard" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "talk_s" INTEGER,
    "settled_at" TIMESTAMPTZ(3) NOT NULL,
    "merged_into" TEXT,
    "ids" TEXT[],
    "data" JSONB NOT NULL,

    CONSTRAINT "call_pkey" PRIMARY KEY ("exchange","call")
);

-- CreateTable
CREATE TABLE "call_form" (
    "intent_id" UUID NOT NULL,
    "exchange" TEXT NOT NULL,
    "call_id" TEXT NOT NULL,
    "seat" TEXT,
    "received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "call_form_pkey" PRIMARY KEY ("intent_id")
);

-- CreateIndex
CREATE INDEX "call_leg_exchange_call_idx" ON "call_leg"("exchange", "call");

-- CreateIndex
CREATE INDEX "call_leg_seat_last_heard_at_idx" ON "call_leg"("seat", "last_heard_at");

-- Few legs wait to be looked at, and a month of them lies beside.
CREATE INDEX "call_leg_due" ON "call_leg" ("due_at") WHERE "due_at" IS NOT NULL;

-- CreateIndex
CREATE UNIQUE INDEX "call_seq_key" ON "call"("seq");

-- CreateIndex
CREATE INDEX "call_started_at_idx" ON "call"("started_at");

-- CreateIndex
CREATE INDEX "call_ids_idx" ON "call" USING GIN ("ids");

-- CreateIndex
CREATE INDEX "call_form_exchange_call_id_idx" ON "call_form"("exchange", "call_id");

-- CreateIndex
CREATE INDEX "call_form_received_at_idx" ON "call_form"("received_at");
