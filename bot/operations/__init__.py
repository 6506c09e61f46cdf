"""Operations, one file each: ask Slack, lock, read, decide, then write row, audit event and outbox together."""
