// torch's random numbers are one sequence for the process, and its operations use every core by themselves.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
