"""Deep generative models: trained, measured, checked and explained in one report."""
