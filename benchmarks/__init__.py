"""Speed and memory, as ratios to a baseline timed in the same run."""

import os

from flsec.runtime import threads

# TensorFlow reads these when it is imported; as a simulation sets them.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', str(threads.usable_cores()))
