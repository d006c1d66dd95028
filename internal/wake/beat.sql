-- A leader's notification to its own listener. $1 the channel, $2 the payload.
SELECT pg_notify($1, $2)
