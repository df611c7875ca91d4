"""What follows from a contract: one SELECT, the suites, the shapes of tables. No Spark import."""
