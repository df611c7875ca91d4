"""Where tables and objects lie: the object store, Delta, Spark sessions, tables that follow contracts."""
