"""Areas of classes in square kilometres, with bounds."""
