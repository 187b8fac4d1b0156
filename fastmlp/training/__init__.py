"""What is trained, and the loops around it."""
