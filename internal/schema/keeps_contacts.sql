-- Refuse to begin what would end at contacts that are in a table of ours: version 2
-- refuses it, too, but by then all after it is gone.
DO $$
DECLARE
    home   text;
    filled bool;
BEGIN
    IF to_regclass('contactsync.installed') IS NULL THEN
        RETURN;
    END IF;
    SELECT i.name INTO home
      FROM contactsync.installed i
     WHERE i.kind = 'contacts' AND i.detail = 'created' AND to_regclass(i.name) IS NOT NULL;
    IF home IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', home) INTO filled;
    IF filled THEN
        RAISE EXCEPTION USING ERRCODE = 'CS001',
            MESSAGE = format('%s was created by contactsync and holds contacts, which going back to nothing would delete', home),
            HINT = format('DROP TABLE %s; (or move its rows elsewhere and empty it), then try again', home);
    END IF;
END
$$
