"""What staff have before them: boxes, filters, search, saved filters and exports."""
