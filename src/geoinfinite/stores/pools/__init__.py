"""Where calls run: in this thread, in threads, in processes, or on a cluster, in one loop."""
