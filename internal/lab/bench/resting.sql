-- Contacts at rest, by chance. $1 about how many percent of the table to look at.
SELECT id::text
  FROM contacts TABLESAMPLE BERNOULLI ($1::float8)
 WHERE hubspot_processing_status IS NULL
