"""The GraphQL face: schema, resolvers, and the protocols that carry them."""
