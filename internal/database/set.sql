-- Makes session settings. $1 their names, $2 their values in the same order.
SELECT set_config(name, value, false)
  FROM unnest($1::text[], $2::text[]) AS setting (name, value)
