"""Tables of one's own: what their columns are, and how they become what a network takes."""
