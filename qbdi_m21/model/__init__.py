"""The variational autoencoder: training (the only room that knows Keras) and NumPy serving."""
