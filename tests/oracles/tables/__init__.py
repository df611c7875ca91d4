"""Every released table, all columns, reckoned slowly from the truth: a module per theme with `TABLES`, mart
-> function from a city to rows by column.

`entity_id` and the like stand as the true number of the organisation; the test brings the ids of the lake to
the same.
"""
