-- Calls that ring or go on; answered_at 0: it rings. due_at: when it ends by itself.
CREATE TABLE current_call (
  id TEXT PRIMARY KEY,
  caller_id INTEGER NOT NULL,
  callee_id INTEGER NOT NULL,
  video INTEGER NOT NULL,
  began_at INTEGER NOT NULL,
  answered_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX current_call_caller ON current_call(caller_id);
CREATE INDEX current_call_callee ON current_call(callee_id);
CREATE INDEX current_call_due ON current_call(due_at);
