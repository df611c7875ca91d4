"""What is true: rows judged, deduplicated, compared with what is known, and admitted."""
