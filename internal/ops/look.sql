-- How long a statement of this transaction may take. $1 in milliseconds.
SELECT set_config('statement_timeout', $1::bigint::text, true)
