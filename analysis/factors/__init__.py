"""What runs differ in most, of arrays alone: the factor, its sizes, and the same of classes without views."""
