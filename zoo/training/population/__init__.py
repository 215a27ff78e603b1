"""Many runs of one shape as one compiled program: every weight has a leading axis with an entry for each run.

Members differ in seed, initial weights, learning rate and schedule, and share everything else. Each has its own order
of the data and its own end, as if it ran alone; what its callbacks would decide is decided inside the program.
"""

from zoo.training.population.members import bytes_of, obstacle, obstacle_in, same_program
from zoo.training.population.training import Population, Trained

__all__ = ["Population", "Trained", "bytes_of", "obstacle", "obstacle_in", "same_program"]
