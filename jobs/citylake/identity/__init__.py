"""Who is who: links between records, judgements of persons, identifiers that stay."""
