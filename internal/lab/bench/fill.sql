-- Insert contacts as an app does. $1 and $2 the first and the last number,
-- $3 the status of the queue, '' for none.
INSERT INTO contacts (email, name, phone_number, domain_id, page_id,
                      hubspot_processing_status, hubspot_sync_status, next_retry_at)
SELECT 'contact-' || i || '@example.org', 'Contact Number ' || i, '+1-555-' || lpad(i::text, 8, '0'),
       gen_random_uuid(), gen_random_uuid(),
       CASE $3::text WHEN '' THEN NULL WHEN 'Back-off' THEN 'Queued' ELSE $3 END,
       CASE $3::text WHEN '' THEN 'New' WHEN 'Back-off' THEN 'Queued' ELSE $3 END,
       CASE WHEN $3 = 'Back-off' THEN now() + interval '1 day' END
  FROM generate_series($1::int, $2::int) AS i
