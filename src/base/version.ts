/** The product's version, as the API's health, the client and the start banner print it. */
export const version = "0.1.0";
