"""Who lives in which household: claims of residents, and what staff decide about them."""
