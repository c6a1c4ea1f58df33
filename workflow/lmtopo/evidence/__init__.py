"""Evidence: does a signature say anything about quality that compute alone does not?

`trajectories` makes series of the tables; `trend` takes a smooth function of compute out of them;
`association` tests what is left, `equal_compute` what is left beside other runs; `skill` predicts;
`rows` puts it together and `verdict` judges. `phases`, `redundancy` and `findings` stand beside.
"""
