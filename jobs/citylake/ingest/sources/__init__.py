"""Step 1, fetch: one module for each kind of place that deliveries come from; `source.fetch` brings them into
the inbox.
"""
