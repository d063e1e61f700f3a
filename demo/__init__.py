"""One order on this machine, from plan to catalog, for people to watch."""
