"""Who may see what: versions pinned in one manifest, views over them, upkeep, the readers' door."""
