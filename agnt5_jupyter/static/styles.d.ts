/** The styles of a panel, put in front of its module (display/assets.py). */
declare const STYLES: string;
