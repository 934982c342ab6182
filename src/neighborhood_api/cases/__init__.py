"""Work that travels: moves allowed by kind, the hands it is in, clocks, timeline, worklist."""
