"""What fires by itself: schedules, and triggers that ask elsewhere for what is new."""
