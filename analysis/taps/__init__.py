"""Series of correlations as features: which axes are units and which are features, their statistics, their null."""
