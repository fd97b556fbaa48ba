"""What `probes watch` looks at and shows: the state of every run that is recorded, and the race of its features."""
