// Where pages and files are: below the server's root. A copy as plain files has them elsewhere.

/** The path of a page. */
export const pathOf = (page) => page;

/** The address of a file that the API makes. */
export const fileAddress = (path) => path;
