"""The scheduler: DAGs from the plan, and the one function that a task calls."""
