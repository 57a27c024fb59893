-- Messages and tracks are partitioned by UTC day and dropped by retention; partitions are made ahead by the gateway.
CREATE TABLE "message" (
    "id" UUID NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "adapter" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "raw" BYTEA NOT NULL,
    "envelope" JSONB NOT NULL,
    "disposition" TEXT NOT NULL,
    "reason" TEXT,
    CONSTRAINT "message_pkey" PRIMARY KEY ("id", "received_at")
) PARTITION BY RANGE ("received_at");

-- Where a message goes whose day has no partition: the gateway's clock was set, or upkeep did not run for days.
CREATE TABLE "message_default" PARTITION OF "message" DEFAULT;

CREATE TABLE "message_key" (
    "adapter" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "message_key_pkey" PRIMARY KEY ("adapter", "key")
);
CREATE INDEX "message_key_received_at_idx" ON "message_key" USING BRIN ("received_at");

CREATE TABLE "position" (
    "subject" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "at_origin" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "message_id" UUID NOT NULL,
    "latitude" DOUBLE PRECISION NOT NULL,
    "longitude" DOUBLE PRECISION NOT NULL,
    "accuracy_m" DOUBLE PRECISION,
    "found_by" TEXT NOT NULL,
    "speed_kmh" DOUBLE PRECISION,
    "heading_deg" DOUBLE PRECISION,
    "grid" TEXT,
    "district" TEXT,
    CONSTRAINT "position_pkey" PRIMARY KEY ("subject", "at", "message_id", "received_at")
) PARTITION BY RANGE ("received_at");

CREATE TABLE "position_default" PARTITION OF "position" DEFAULT;

CREATE TABLE "intent" (
    "id" UUID NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "purpose" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "category_code" TEXT,
    "urgency" TEXT NOT NULL,
    "district" TEXT,
    "grid" TEXT,
    "latitude" DOUBLE PRECISION,
    "longitude" DOUBLE PRECISION,
    "reporter" TEXT NOT NULL,
    "message_id" UUID NOT NULL,
    "destinations" TEXT[],
    "data" JSONB NOT NULL,
    CONSTRAINT "intent_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "intent_seq_key" ON "intent" ("seq");
CREATE INDEX "intent_grid_received_at_idx" ON "intent" ("grid", "received_at");
CREATE INDEX "intent_for_nobody" ON "intent" ("received_at") WHERE cardinality("destinations") = 0;

CREATE TABLE "outbox" (
    "seq" BIGSERIAL NOT NULL,
    "destination" TEXT NOT NULL,
    "event_id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "ordering_key" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'pending',
    "claimed_by" UUID,
    "claimed_until" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "settled_at" TIMESTAMPTZ(3),
    CONSTRAINT "outbox_pkey" PRIMARY KEY ("seq")
);
CREATE UNIQUE INDEX "outbox_event_id_destination_key" ON "outbox" ("event_id", "destination");
-- Claims read the first, in order; the next two answer "is an earlier event of its key still under way?". The first is
-- over an expression because the primary key would give that order too, and lead past every event already delivered.
CREATE INDEX "outbox_pending" ON "outbox" ("destination", ("seq" + 0)) WHERE "state" = 'pending';
CREATE INDEX "outbox_unsettled" ON "outbox" ("destination", "ordering_key", "seq") WHERE "state" IN ('pending', 'claimed');
CREATE INDEX "outbox_claimed" ON "outbox" ("destination", "ordering_key") WHERE "state" = 'claimed';
CREATE INDEX "outbox_dead" ON "outbox" ("seq") WHERE "state" = 'dead';
-- Retention looks for the oldest, every few minutes and mostly in vain.
CREATE INDEX "outbox_settled_at_idx" ON "outbox" USING BRIN ("settled_at");

CREATE TABLE "dead_letter" (
    "id" BIGSERIAL NOT NULL,
    "message_id" UUID NOT NULL,
    "message_received_at" TIMESTAMPTZ(3) NOT NULL,
    "adapter" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "item" INTEGER,
    "code" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'open',
    "replayed_at" TIMESTAMPTZ(3),
    CONSTRAINT "dead_letter_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "dead_letter_state_id_idx" ON "dead_letter" ("state", "id");
CREATE INDEX "dead_letter_message_id_idx" ON "dead_letter" ("message_id");

CREATE TABLE "tally" (
    "day" DATE NOT NULL,
    "gateway" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "what" TEXT NOT NULL,
    "reason" TEXT NOT NULL DEFAULT '',
    "n" BIGINT NOT NULL,
    CONSTRAINT "tally_pkey" PRIMARY KEY ("day", "gateway", "subject", "channel", "what", "reason")
);

CREATE TABLE "device" (
    "subject" TEXT NOT NULL,
    "adapter" TEXT NOT NULL,
    "last_seen" TIMESTAMPTZ(3) NOT NULL,
    "presence" TEXT,
    "battery" DOUBLE PRECISION,
    "at" TIMESTAMPTZ(3),
    "latitude" DOUBLE PRECISION,
    "longitude" DOUBLE PRECISION,
    "accuracy_m" DOUBLE PRECISION,
    "found_by" TEXT,
    "speed_kmh" DOUBLE PRECISION,
    "grid" TEXT,
    "district" TEXT,
    "version" BIGINT NOT NULL,
    "memory" JSONB NOT NULL,
    CONSTRAINT "device_pkey" PRIMARY KEY ("subject")
) WITH (fillfactor = 60);

CREATE TABLE "notice" (
    "id" UUID NOT NULL,
    "idempotency_key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "adapter" TEXT NOT NULL,
    "addressee" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "body" JSONB NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "state" TEXT NOT NULL DEFAULT 'queued',
    "claimed_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "notice_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "notice_idempotency_key_key" ON "notice" ("idempotency_key");
CREATE INDEX "notice_adapter_addressee_state_idx" ON "notice" ("adapter", "addressee", "state");
CREATE INDEX "notice_state_expires_at_idx" ON "notice" ("state", "expires_at");

CREATE TABLE "notice_state" (
    "notice_id" UUID NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "state" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "detail" TEXT,
    CONSTRAINT "notice_state_pkey" PRIMARY KEY ("notice_id", "seq"),
    CONSTRAINT "notice_state_notice_id_fkey" FOREIGN KEY ("notice_id") REFERENCES "notice" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- Makes a statement that writes many tables fail as a whole when what it relied on has changed meanwhile (SQLSTATE CG001).
CREATE FUNCTION chengguan_require(holds BOOLEAN, otherwise TEXT) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
BEGIN
    IF holds THEN
        RETURN TRUE;
    END IF;
    RAISE EXCEPTION '%', otherwise USING ERRCODE = 'CG001';
END
$$;

-- Takes up to so many events for a destination, in order. A candidate is given up when an earlier event of its key is
-- unsettled and not among the candidates: another gateway has it, or is just taking it. What it says is checked in the
-- snapshot the candidates were found in, so a row that is being claimed this moment still counts as unsettled.
--
-- A function for its settings, and subqueries that are no joins: whatever the statistics say of a table that fills and
-- empties all day, the plan walks three indexes, and a million waiting events cost no more than a hundred.
CREATE FUNCTION chengguan_claim(wanted TEXT, most INTEGER, holder UUID, claim_seconds DOUBLE PRECISION)
RETURNS SETOF "outbox" LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
BEGIN
    RETURN QUERY
    WITH candidate AS (
        SELECT o.seq, o.ordering_key FROM outbox o
        WHERE o.destination = wanted AND o.state = 'pending'
          AND (SELECT c.seq FROM outbox c
            WHERE c.destination = wanted AND c.state = 'claimed' AND c.ordering_key = o.ordering_key LIMIT 1) IS NULL
        ORDER BY o.seq + 0 LIMIT most FOR UPDATE OF o SKIP LOCKED
    ), first_in_order AS (
        SELECT c.seq FROM candidate c
        WHERE (SELECT p.seq FROM outbox p
            WHERE p.destination = wanted AND p.ordering_key = c.ordering_key AND p.state IN ('pending', 'claimed')
              AND p.seq < c.seq AND p.seq <> ALL (ARRAY(SELECT x.seq FROM candidate x)) LIMIT 1) IS NULL
    )
    UPDATE outbox o
    SET state = 'claimed', claimed_by = holder, claimed_until = now() + make_interval(secs => claim_seconds)
    FROM first_in_order f WHERE o.seq = f.seq
    RETURNING o.*;
END
$$;
