"""Tables in, pages out. Nothing in here ever opens a video."""
