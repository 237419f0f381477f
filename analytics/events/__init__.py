"""Rules over tables and clock time: moments worth a person's look, each with its evidence. No pixels, no intent."""
