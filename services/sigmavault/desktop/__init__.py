"""What a person sees in a graphical session: the only part that imports `gi`, in a package of its own."""
