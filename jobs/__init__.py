"""What runs, in what order: command line, options, plan, pipeline, run records."""
