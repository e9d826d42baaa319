using Xunit.Sdk;
using Xunit.v3;

// processes, handles and two cores are counted: one test at a time
[assembly: Parallelization(Mode = ParallelMode.None)]
