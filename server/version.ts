/** Version of Gaffer, by semantic versioning; the CHANGELOG says what each brought. */
export const VERSION = "0.1.0";
