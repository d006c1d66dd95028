-- Have the server tell this session how it carries its statements out, and be a
-- worker's session.
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_analyze = on;
SET auto_explain.log_buffers = on;
SET auto_explain.log_triggers = on;
SET client_min_messages = log;
SET contactsync.worker = 'on';
