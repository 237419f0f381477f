"""Everything learned: face detectors, the expression classifier, crops, data sets, training, evaluation."""
