"""The tests, and the drawn footage that they read (footage, clips, damage)."""
