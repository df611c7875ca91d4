"""What people have to do: cases, notices, amendments, judgements, waivers, erasure."""
