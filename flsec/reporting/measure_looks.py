"""What the lines of measures look like, everywhere."""

from flsec.reporting import style
from flsec.reporting.looks import Look
from flsec.reporting.measure import CONTROL, ERROR_RATE, SUCCESS_RATE

ACCURACY_LOOK = Look(style.BLUE, '-', 'o')
RATE_LOOKS = (
  (ERROR_RATE, Look(style.VERMILION, '-', 's')),
  (SUCCESS_RATE, Look(style.PURPLE, '--', '^')),
  (CONTROL, Look(style.GREY, ':', 'D')),
)
