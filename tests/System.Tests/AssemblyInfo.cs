using Xunit.Sdk;
using Xunit.v3;

// two cores: one test of the shared cluster beside one that has a cluster of its own
[assembly: Parallelization(Mode = ParallelMode.Collections, MaxThreads = 2)]
